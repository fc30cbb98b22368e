// Puts the simulator together: the store, the clocks, the API, the listeners, the state file.
import type { Stripe } from 'stripe'
import { readState, StateFile } from '../state-file.ts'
import { createActions } from './actions.ts'
import { createApi } from './api.ts'
import { Agenda } from './appointments.ts'
import { ensureDefaultPortal } from './billing/portal.ts'
import { find } from './lookup.ts'
import { renderEvent } from './render.ts'
import { RequestsInProgress } from './requests-in-progress.ts'
import { routes } from './routes.ts'
import type { Simulator, SimulatorOptions } from './simulator.ts'
import { dumpStore, loadStore } from './store.ts'
import { parseVersion } from './versions.ts'
import { endpointsFor, World } from './world.ts'

/** A simulated Stripe account. @throws Error when `stateFile` is not one of the simulator's */
export function createSimulator(options: SimulatorOptions): Simulator {
  const { stateFile } = options
  const kept = stateFile === undefined ? undefined : readState(stateFile, 'the Stripe simulator')
  const store = loadStore((kept ?? {}) as ReturnType<typeof dumpStore>)
  const world = new World(store, {
    secretKey: options.secretKey,
    publishableKey: options.publishableKey,
    wallClock: options.now ?? Date.now,
    baseUrl: options.baseUrl,
    afterLastRetry: options.afterLastRetry ?? 'cancel',
  })
  ensureDefaultPortal(world)
  const file = stateFile === undefined ? null : new StateFile(stateFile, () => dumpStore(store))
  const agenda = new Agenda(world)
  const inProgress = new RequestsInProgress()
  const listeners: ((event: Stripe.Event) => void)[] = []
  let written = world.changes

  /** Every request and click: what is due comes first, the events leave when all is done. */
  function around<T>(work: () => T): T {
    try {
      agenda.tick()
      return work()
    } finally {
      world.followUp()
      const events = world.outbox
      world.outbox = []
      if (world.changes !== written) file?.schedule()
      written = world.changes
      for (const event of events) for (const listener of listeners) tell(listener, event)
    }
  }

  return {
    api: createApi(world, routes, inProgress, around),
    inProgress,
    data: store,
    onEvent: (listener) => void listeners.push(listener),
    renderEvent: (event, apiVersion) => renderEvent(world, event, parseVersion(apiVersion)),
    endpointsFor: (event) => endpointsFor(store, event),
    signingSecret: (id) => find(store.webhookSecrets, 'webhook_endpoint', id, 'id'),
    setPendingWebhooks: (eventId, count) => {
      find(store.events, 'event', eventId, 'id').pending_webhooks = count
      world.touch(null)
      file?.schedule()
    },
    ...createActions(world, around),
    tick: () => around(() => undefined),
    close: async () => file?.write(),
  }
}

/** The API's answer does not depend on who listens: an error is shown, and the next one is told. */
function tell(listener: (event: Stripe.Event) => void, event: Stripe.Event): void {
  try {
    listener(event)
  } catch (error) {
    console.error(`A listener of the Stripe simulator failed on ${event.type} ${event.id}:`, error)
  }
}
