// /v1/billing_portal: sessions for a customer, and configurations.
import type { Stripe } from 'stripe'
import { invalid } from '../errors.ts'
import { find, findCustomer } from '../lookup.ts'
import { buildPortalSession } from '../objects/portal.ts'
import { notSimulated, required, string } from '../params.ts'
import { type Route, route } from '../route.ts'
import { portalUrl } from '../urls.ts'
import type { World } from '../world.ts'
import { locale, url } from './fields.ts'

export const portalSessionRoutes: Route[] = [
  route(
    'POST /v1/billing_portal/sessions',
    'billing_portal.session',
    {
      configuration: string(),
      customer: required(string()),
      customer_account: notSimulated(),
      flow_data: notSimulated(),
      locale,
      on_behalf_of: notSimulated(),
      return_url: url,
    },
    ({ world, params }) => {
      const customer = findCustomer(world, params.customer, 'customer')
      const configuration = configurationOf(world, params.configuration)
      const session = buildPortalSession({
        customer: customer.id,
        configuration: configuration.id,
        return_url: params.return_url ?? configuration.default_return_url,
        locale: params.locale ?? null,
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
