// Form bodies and query strings as Stripe decodes them: brackets nest, `[]` and `[0]` make lists.
import { invalid } from './errors.ts'

/** A decoded parameter. Lists arrive as objects with the keys 0, 1, … and are told apart by what is expected. */
export type FormValue = string | FormObject
export interface FormObject {
  [key: string]: FormValue
}

/** Brackets nested deeper than this are refused: nothing in the API goes that deep. */
const MAX_DEPTH = 10

/**
 * Decodes `a=1&b[c]=2&d[]=3&e[0][f]=4`.
 * @throws StripeError 400 on keys that cannot be nested or that contradict each other
 */
export function decodeForm(text: string): FormObject {
  const root = emptyObject()
  for (const [key, value] of new URLSearchParams(text)) put(root, pathOf(key), value, key)
  return root
}

function pathOf(key: string): string[] {
  const head = key.match(/^[^[\]]+/)?.[0]
  const brackets = head === undefined ? null : key.slice(head.length).match(/^(\[[^[\]]*\])*$/)
  if (head === undefined || !brackets) throw invalid(`Invalid parameter name: ${key}`)
  const rest = [...key.slice(head.length).matchAll(/\[([^[\]]*)\]/g)].map((m) => m[1] ?? '')
  if (rest.length >= MAX_DEPTH) throw invalid(`Parameters are nested too deeply: ${key}`)
  return [head, ...rest]
}

function put(root: FormObject, path: string[], value: string, key: string): void {
  let node = root
  path.forEach((segment, index) => {
    const last = index === path.length - 1
    const name = segment === '' ? nextIndex(node, path[index + 1]) : segment
    const existing = node[name]
    if (last) {
      if (typeof existing === 'object') throw contradiction(key)
      node[name] = value
      return
    }
    if (typeof existing === 'string') throw contradiction(key)
    const child = existing ?? emptyObject()
    node[name] = child
    node = child
  })
}

/** `items[][price]=a&items[][quantity]=1` is one item: a new one begins when the key repeats. */
function nextIndex(list: FormObject, following: string | undefined): string {
  const size = Object.keys(list).length
  const current = list[String(size - 1)]
  const continues =
    following !== undefined && typeof current === 'object' && !(following in current)
  return String(continues ? size - 1 : size)
}

function contradiction(key: string): Error {
  return invalid(`Invalid request: ${key} is given both as a value and as an object`)
}

/** No prototype: a parameter may be called `constructor` or `__proto__`. */
function emptyObject(): FormObject {
  return Object.create(null) as FormObject
}
