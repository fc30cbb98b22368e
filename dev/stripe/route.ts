// What a route of the API is: its method, path and parameters, and what it does with them.
import type { Answered } from './expand.ts'
import type { Kind } from './expand-fields.ts'
import { requireKnownFilters } from './lookup.ts'
import type { Shape, Values } from './params.ts'
import type { Version } from './versions.ts'
import type { World } from './world.ts'

/** A request whose parameters have been read. */
export interface Call<V> {
  world: World
  params: V
  /** The segments that the path names, such as `id`. */
  path: Record<string, string>
  version: Version
}

export interface Route {
  method: 'GET' | 'POST' | 'DELETE'
  /** As `/v1/customers/:id`. */
  path: string
  answers: Answered
  shape: Shape
  /** Synchronous: nothing else happens between its first read and its last write. */
  run(call: Call<object>): object
}

/**
 * Describes a route. The values that `run` sees are those that `shape` reads; `expand` is read for
 * every route.
 * @param signature `POST /v1/customers/:id`
 * @param answers the kind of object, or `list of …`
 */
export function route<S extends Shape>(
  signature: `${Route['method']} /v1/${string}`,
  answers: Kind | `list of ${Kind}`,
  shape: S,
  run: (call: Call<Values<S>> & { id: string }) => object,
): Route {
  const [method, path = ''] = signature.split(' ') as [Route['method'], string]
  const list = answers.startsWith('list of ')
  return {
    method,
    path,
    answers: { kind: answers.replace('list of ', '') as Kind, list },
    shape,
    run: (call) => {
      if (list) requireKnownFilters(call.world, call.params)
      // The API read the parameters by this very shape.
      return run({ ...call, params: call.params as Values<S>, id: call.path.id ?? '' })
    },
  }
}
