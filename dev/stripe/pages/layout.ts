// The frame of every page, and the small parts that pages share.
import { html } from 'hono/html'

/** What `html` makes: text in it was escaped. */
export type Html = ReturnType<typeof html>

export const STYLE_PATH = '/_pages/style.css'

export interface Frame {
  title: string
  body: Html
  /** The dashboard is wide and has a menu; what a customer sees is narrow and has none. */
  kind: 'checkout' | 'portal' | 'dashboard'
}

export function framed({ title, body, kind }: Frame): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${STYLE_PATH}">
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<p class="simulator">Stripe simulator on this machine. No real money moves here: use test cards only.</p>
${kind === 'dashboard' ? MASTHEAD : ''}
<main id="content" class="${kind === 'portal' ? 'narrow' : ''}">
${body}
</main>
</body>
</html>`
}

const MASTHEAD = html`<header class="masthead"><div>
<strong>Stripe simulator</strong>
<nav aria-label="Dashboard" class="row">
<a href="/dashboard">Customers</a>
<a href="/dashboard/events">Events</a>
<a href="/dashboard/webhooks">Webhooks</a>
</nav>
</div></header>`

export type Tone = 'good' | 'warn' | 'bad' | ''

export function badge(text: string, tone: Tone): Html {
  return html`<span class="badge ${tone}">${text}</span>`
}

/** `role=status` is read out by a screen reader; `alert` at once. */
export function notice(text: string, tone: Tone): Html {
  return html`<p class="notice ${tone}" role="${tone === 'bad' ? 'alert' : 'status'}">${text}</p>`
}

export interface PostButton {
  action: string
  label: string
  /** Names the object for those who hear one button after another: "Cancel now: sub_…". */
  about?: string
  fields?: Record<string, string>
  tone?: 'primary' | 'danger'
}

/** A form that is nothing but its button. */
export function postButton({ action, label, about, fields = {}, tone }: PostButton): Html {
  const aria = about ? html` aria-label="${label}: ${about}"` : ''
  return html`<form method="post" action="${action}">${hiddenFields(fields)}<button class="${tone ?? ''}"${aria}>${label}</button></form>`
}

export function hiddenFields(fields: Record<string, string>): Html[] {
  return Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )
}

/** Nothing, for a part that is absent. */
export const NOTHING: Html = html``
