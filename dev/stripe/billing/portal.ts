// The account's default portal configuration.
import { buildPortalConfiguration, defaultFeatures } from '../objects/portal.ts'
import type { World } from '../world.ts'

/** Gives the account a default configuration, as saving the portal's settings in the dashboard does. */
export function ensureDefaultPortal(world: World): void {
  const { portalConfigurations } = world.store
  if ([...portalConfigurations.values()].some(({ is_default }) => is_default)) return
  const configuration = buildPortalConfiguration({
    isDefault: true,
    features: defaultFeatures(),
    business_profile: { headline: null, privacy_policy_url: null, terms_of_service_url: null },
    default_return_url: null,
    metadata: {},
    name: null,
    created: world.wallSeconds(),
  })
  portalConfigurations.set(configuration.id, configuration)
}
