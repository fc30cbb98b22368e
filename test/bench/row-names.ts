// The rows' names, by which the targets find them.

export const ROW = {
  bare: 'bare Hono route',
  floor: 'its limiter and headers alone, no paywall',
  trips: 'a request to Redis, then one to Postgres, alone',
  open: 'the app without its paywall',
  hot: 'paid, hot: the isolate knows the account',
  warm: 'paid, warm: Redis knows it',
  cold: 'paid, cold: Postgres alone knows it',
  nearQuota: 'paid, close to its quota',
  forged: 'forged key',
  revoked: 'revoked key',
  gateway: 'gateway (ratio: to its origin)',
  webhook: 'webhook',
  register: 'register',
  recipe: 'peer: Redis GET + @upstash/ratelimit',
  betterAuth: "peer: better-auth's API-key plugin",
} as const
