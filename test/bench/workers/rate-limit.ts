// The platform's rate limiter, which workerd alone does not have: the same interface, counted by key and period as
// the real one counts. workerd.ts hands the function's own text to workerd, so it uses nothing from outside itself.

/** What the binding is made with: the limit of wrangler.toml is too low for a load test, the period is its own. */
export interface RateLimitSettings {
  limit: number
  periodSeconds: number
}

export function rateLimit({ settings }: { settings: RateLimitSettings }) {
  const counts = new Map<string, number>()
  let period = 0
  return {
    async limit({ key }: { key: string }): Promise<{ success: boolean }> {
      const now = Math.floor(Date.now() / (settings.periodSeconds * 1000))
      if (now !== period) {
        period = now
        counts.clear()
      }
      const count = (counts.get(key) ?? 0) + 1
      counts.set(key, count)
      return { success: count <= settings.limit }
    },
  }
}
