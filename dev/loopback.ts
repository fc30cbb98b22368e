// Whether an address is this machine's.

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

export function isLoopback(url: string | URL): boolean {
  return LOOPBACK.test(new URL(url).hostname)
}
