// /v1/disputes
import type { Stripe } from 'stripe'
import { closeDispute, respond } from '../billing/disputes.ts'
import { find, idOrNull } from '../lookup.ts'
import { mergeMetadata } from '../metadata.ts'
import { EVIDENCE_FILES, EVIDENCE_TEXTS } from '../objects/dispute.ts'
import { createdParam, inRange, listParams, paginate } from '../pagination.ts'
import { allNotSimulated, boolean, metadata, object, type Param, string } from '../params.ts'
import { type Route, route } from '../route.ts'
import type { World } from '../world.ts'

type EvidenceText = (typeof EVIDENCE_TEXTS)[number]

// Each text has its entry.
const texts = Object.fromEntries(
  EVIDENCE_TEXTS.map((name) => [name, string({ max: 20_000 })]),
) as Record<EvidenceText, Param<string>>

export const disputeRoutes: Route[] = [
  route('GET /v1/disputes/:id', 'dispute', {}, ({ world, id }) => findDispute(world, id)),
  route(
    'POST /v1/disputes/:id',
    'dispute',
    {
      ...allNotSimulated(['intended_submission_method']),
      evidence: object({
        ...allNotSimulated(['appeal', 'enhanced_evidence', ...EVIDENCE_FILES]),
        ...texts,
      }),
      metadata: metadata(),
      submit: boolean(),
    },
    ({ world, id, params }) => {
      const dispute = findDispute(world, id)
      respond(world, dispute, {
        evidence: params.evidence ?? {},
        metadata: mergeMetadata(dispute.metadata, params.metadata),
        // Stripe submits unless it is told to wait.
        submit: params.submit ?? params.evidence !== undefined,
      })
      return dispute
    },
  ),
  route('POST /v1/disputes/:id/close', 'dispute', {}, ({ world, id }) => {
    const dispute = findDispute(world, id)
    closeDispute(world, dispute, 'lost')
    return dispute
  }),
  route(
    'GET /v1/disputes',
    'list of dispute',
    { ...listParams, charge: string(), created: createdParam, payment_intent: string() },
    ({ world, params }) => {
      const found = [...world.store.disputes.values()].filter(
        (dispute) =>
          (params.charge === undefined || dispute.charge === params.charge) &&
          (params.payment_intent === undefined ||
            idOrNull(dispute.payment_intent) === params.payment_intent) &&
          inRange(dispute.created, params.created),
      )
      return paginate(found, params, '/v1/disputes', 'dispute', world.store.disputes.values())
    },
  ),
]

function findDispute(world: World, id: string): Stripe.Dispute {
  return find(world.store.disputes, 'dispute', id, 'id')
}
