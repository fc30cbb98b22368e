// Just enough of a browser for the demo: read a page's form, fill it in, send it as a browser would.

export interface Form {
  action: string
  fields: Record<string, string>
}

/** The form of `page` whose button says `button`, its fields as prefilled. @throws when there is none */
export function formOf(pageUrl: string, page: string, button: string): Form {
  for (const [, attributes = '', inner = ''] of page.matchAll(/<form([^>]*)>([\s\S]*?)<\/form>/g)) {
    if (!new RegExp(`<button[^>]*>\\s*${button}\\s*</button>`).test(inner)) continue
    const action = attribute(attributes, 'action') ?? pageUrl
    const inputs = [...inner.matchAll(/<input([^>]*)>/g)].map(([, input = '']) => input)
    const fields = inputs.flatMap((input) => {
      const name = attribute(input, 'name')
      return name ? [[name, attribute(input, 'value') ?? ''] as const] : []
    })
    return { action: new URL(action, pageUrl).href, fields: Object.fromEntries(fields) }
  }
  throw new Error(`The page ${pageUrl} has no form with a button "${button}"`)
}

/** Sends the form from its own page; redirects are answered, not followed. */
export function submit({ action, fields }: Form): Promise<Response> {
  return fetch(action, {
    method: 'POST',
    redirect: 'manual',
    headers: { Origin: new URL(action).origin },
    body: new URLSearchParams(fields),
  })
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1]
  return value
    ?.replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}
