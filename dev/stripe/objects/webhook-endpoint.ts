// Webhook endpoints.
import type { Stripe } from 'stripe'
import { newId } from '../ids.ts'

export interface NewEndpoint {
  url: string
  enabled_events: string[]
  api_version: string | null
  description: string | null
  metadata: Record<string, string>
  created: number
}

export function buildWebhookEndpoint(fields: NewEndpoint): Stripe.WebhookEndpoint {
  return {
    id: newId('we'),
    object: 'webhook_endpoint',
    api_version: fields.api_version,
    application: null,
    created: fields.created,
    description: fields.description,
    enabled_events: fields.enabled_events,
    livemode: false,
    metadata: fields.metadata,
    status: 'enabled',
    url: fields.url,
  }
}
