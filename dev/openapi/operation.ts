// What the document says of one operation: a feature's file lists its own, document.ts writes them.
import type { ProblemCode } from '../../src/problem.ts'
import type { Component } from './registry.ts'

/** Who is let in: anybody, a key or a token, a token alone, a paid key, Stripe by its signature. */
export type Door = 'public' | 'account' | 'person' | 'paid' | 'stripe'

export interface Operation {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** Below /api/v1. */
  path: string
  /** A method's name in a generated client. */
  id: string
  tag: string
  summary: string
  description: string
  door: Door
  /** A body, and one that the tests send. */
  body?: { schema: Component; example: unknown; isOptional?: boolean }
  /** Names of shared parameters (parameters.ts). */
  parameters?: readonly string[]
  /** What it answers when all is well; one status each. */
  answer: Answer
  /** Beside those of its door and of having a body. */
  problems: readonly ProblemCode[]
}

export interface Answer {
  status: 200 | 201 | 204
  description: string
  /** As application/json. */
  schema?: Component
  /** Media types in place of application/json alone, each with its own schema. */
  content?: Readonly<Record<string, object>>
  /** Names of shared headers (headers.ts) beside those that every answer has. */
  headers?: readonly string[]
}

/** A body of JSON, read and checked by src/validate.ts. */
export const BODY_PROBLEMS = [
  'malformed_json',
  'broken_body',
  'payload_too_large',
  'unsupported_media_type',
  'invalid_request',
] as const satisfies readonly ProblemCode[]

/** What keeps a caller out at each door. */
export const DOOR_PROBLEMS = {
  public: [],
  account: ['missing_credentials', 'invalid_token', 'invalid_api_key', 'live_key_required'],
  person: ['missing_credentials', 'invalid_token'],
  paid: [
    'missing_api_key',
    'invalid_api_key',
    'subscription_required',
    'payment_past_due',
    'subscription_paused',
    'idempotency_key_in_use',
    'idempotency_key_reused',
    'idempotency_key_used_up',
    'quota_exceeded',
    'rate_limited',
  ],
  stripe: ['invalid_signature', 'malformed_event', 'broken_body', 'payload_too_large'],
} as const satisfies Record<Door, readonly ProblemCode[]>

/** Whatever is asked for. */
export const ALWAYS = ['internal_error', 'misconfigured', 'unavailable'] as const
