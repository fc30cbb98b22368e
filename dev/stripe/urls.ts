// Where the pages of an object are: the paths that the simulator prints and its pages serve.

export function checkoutUrl(baseUrl: string, sessionId: string): string {
  return `${baseUrl}/c/pay/${sessionId}`
}

export function portalUrl(baseUrl: string, sessionId: string): string {
  return `${baseUrl}/p/session/${sessionId}`
}

export function hostedInvoiceUrl(baseUrl: string, invoiceId: string): string {
  return `${baseUrl}/i/${invoiceId}`
}
