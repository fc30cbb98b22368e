// An invoice's own page, where its customer can pay it. GET and POST /i/:invoiceId
import type { Context, Hono } from 'hono'
import { html } from 'hono/html'
import type { Stripe } from 'stripe'
import { idOf } from '../control/queries.ts'
import { missing } from '../errors.ts'
import type { Simulator } from '../simulator.ts'
import type { CardErrors, CardValues } from './card-form.ts'
import {
  cardFields,
  prefilled,
  readCard,
  refusalErrors,
  testCardList,
  typedCard,
} from './card-form.ts'
import { readForm } from './form.ts'
import type { Html } from './layout.ts'
import { framed } from './layout.ts'
import { day, invoiceBadge, money } from './words.ts'

interface InvoiceForm {
  card: CardValues
  cardErrors: CardErrors
}

export function routeInvoice(app: Hono, sim: Simulator): void {
  app.get('/i/:invoiceId', (c) => {
    const invoice = findInvoice(sim, c.req.param('invoiceId'))
    return show(c, sim, invoice, { card: prefilled(c.req.query('card')), cardErrors: {} })
  })

  app.post('/i/:invoiceId', async (c) => {
    const typed = typedCard(await readForm(c))
    const id = c.req.param('invoiceId')
    // The second of two clicks finds it paid, and is shown that.
    if (findInvoice(sim, id).status !== 'open') return c.redirect(`/i/${id}`, 303)
    const read = readCard(typed)
    if (!read.ok) {
      return show(c, sim, findInvoice(sim, id), { card: typed, cardErrors: read.errors }, 422)
    }
    const outcome = sim.payInvoice(id, read.card)
    if (outcome.ok) return c.redirect(`/i/${id}`, 303)
    const form = { card: typed, cardErrors: refusalErrors(outcome) }
    return show(c, sim, findInvoice(sim, id), form, 402)
  })
}

function findInvoice(sim: Simulator, id: string): Stripe.Invoice {
  const invoice = sim.data.invoices.get(id)
  if (!invoice) throw missing('invoice', id, 'id')
  return invoice
}

function show(
  c: Context,
  sim: Simulator,
  invoice: Stripe.Invoice,
  form: InvoiceForm,
  status: 200 | 402 | 422 = 200,
) {
  const title = `Invoice ${invoice.number ?? ''}`.trim()
  const body = invoiceView(sim, invoice, form, title)
  return c.html(framed({ title, kind: 'portal', body }), status)
}

function invoiceView(
  sim: Simulator,
  invoice: Stripe.Invoice,
  form: InvoiceForm,
  title: string,
): Html {
  const { currency } = invoice
  const email = invoice.customer && sim.data.customers.get(idOf(invoice.customer))?.email
  return html`<div class="stack loose">
<div class="stack tight">
<div class="row spread"><h1>${title}</h1>${invoiceBadge(invoice)}</div>
<p class="muted">${email ? `${email}, ` : ''}${day(invoice.created)}</p>
</div>
<section class="panel" aria-label="What is billed">
<dl class="sum">
${invoice.lines.data.map((line) => html`<dt>${line.description ?? 'Item'}</dt><dd>${money(line.amount, line.currency)}</dd>`)}
<dt class="total">Total</dt><dd class="total">${money(invoice.total, currency)}</dd>
${invoice.amount_due === invoice.total ? '' : html`<dt>Credit applied</dt><dd>${money(invoice.amount_due - invoice.total, currency)}</dd><dt class="total">To pay</dt><dd class="total">${money(invoice.amount_due, currency)}</dd>`}
</dl>
</section>
${invoice.status === 'open' ? payPanel(invoice, form) : ''}
</div>`
}

function payPanel(invoice: Stripe.Invoice, { card, cardErrors }: InvoiceForm): Html {
  const path = `/i/${invoice.id}`
  return html`<section class="panel stack" aria-labelledby="pay">
<h2 id="pay">Pay this invoice</h2>
<form method="post" action="${path}" class="stack" novalidate>
${cardFields(card, cardErrors)}
<button class="primary pay">Pay ${money(invoice.amount_remaining, invoice.currency)}</button>
</form>
${testCardList(path, card.number)}
</section>`
}
