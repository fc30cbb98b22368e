// /v1/billing_portal: sessions for a customer, and configurations.
import type { Stripe } from 'stripe'
import { invalid } from '../errors.ts'
import { find, findCustomer, findSubscription, idOf } from '../lookup.ts'
import { buildPortalSession } from '../objects/portal.ts'
import { object, oneOf, required, string } from '../params.ts'
import { type Route, route } from '../route.ts'
import { portalUrl } from '../urls.ts'
import type { World } from '../world.ts'
import { url } from './fields.ts'

type Flow = Stripe.BillingPortal.Session.Flow

const flowData = object({
  after_completion: object({
    type: required(oneOf(['hosted_confirmation', 'portal_homepage', 'redirect'])),
    hosted_confirmation: object({ custom_message: string() }),
    redirect: object({ return_url: required(url) }),
  }),
  subscription_cancel: object({ subscription: required(string()) }),
  subscription_update: object({ subscription: required(string()) }),
  type: required(oneOf(['payment_method_update', 'subscription_cancel', 'subscription_update'])),
})

export const portalSessionRoutes: Route[] = [
  route(
    'POST /v1/billing_portal/sessions',
    'billing_portal.session',
    {
      configuration: string(),
      customer: required(string()),
      flow_data: flowData,
      locale: string(),
      return_url: url,
    },
    ({ world, params }) => {
      const customer = findCustomer(world, params.customer, 'customer')
      const configuration = configurationOf(world, params.configuration)
      const { flow_data: data } = params
      const flow: Flow | null = data
        ? {
            after_completion: {
              hosted_confirmation:
                data.after_completion?.type === 'hosted_confirmation'
                  ? {
                      custom_message:
                        data.after_completion.hosted_confirmation?.custom_message ?? null,
                    }
                  : null,
              redirect: data.after_completion?.redirect ?? null,
              type: data.after_completion?.type ?? 'portal_homepage',
            },
            customer_update: null,
            subscription_cancel: data.subscription_cancel
              ? {
                  retention: null,
                  subscription: theirs(world, customer, data.subscription_cancel.subscription),
                }
              : null,
            subscription_pause: null,
            subscription_update: data.subscription_update
              ? {
                  subscription: theirs(world, customer, data.subscription_update.subscription),
                }
              : null,
            subscription_update_confirm: null,
            type: data.type,
          }
        : null
      const session = buildPortalSession({
        customer: customer.id,
        configuration: configuration.id,
        return_url: params.return_url ?? configuration.default_return_url,
        locale: params.locale ?? null,
        flow,
        created: world.now(customer.id),
        urlOf: (id) => portalUrl(world.settings.baseUrl(), id),
      })
      world.store.portalSessions.set(session.id, session)
      world.emit('billing_portal.session.created', session)
      return session
    },
  ),
]

/** The named configuration, or the account's default one. */
function configurationOf(world: World, id: string | undefined): Stripe.BillingPortal.Configuration {
  const { portalConfigurations } = world.store
  if (id !== undefined) {
    const found = find(portalConfigurations, 'configuration', id, 'configuration')
    if (found.active) return found
    throw invalid('This portal configuration is inactive.', { param: 'configuration' })
  }
  const standard = [...portalConfigurations.values()].find((c) => c.is_default && c.active)
  if (standard) return standard
  throw invalid(
    'No configuration provided and your test mode default configuration has not been created. Provide a configuration or create your default by saving your customer portal settings in test mode at https://dashboard.stripe.com/test/settings/billing/portal.',
  )
}

function theirs(world: World, customer: Stripe.Customer, subscriptionId: string): string {
  const param = 'flow_data[subscription]'
  const subscription = findSubscription(world, subscriptionId, param)
  if (idOf(subscription.customer) === customer.id) return subscription.id
  throw invalid(`The subscription ${subscriptionId} does not belong to this customer.`, { param })
}
