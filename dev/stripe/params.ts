// What a request may say: descriptions of parameters, read strictly and refused with Stripe's codes.
import { invalid } from './errors.ts'
import type { FormObject, FormValue } from './form.ts'

/** Reads one decoded value; `path` is its name as the client wrote it, such as `items[0][price]`. */
export interface Param<T> {
  read(value: FormValue, path: string): T
}
export interface RequiredParam<T> extends Param<T> {
  required: true
}
export type Shape = Record<string, Param<unknown>>

type Read<P> = P extends Param<infer T> ? T : never
type RequiredKeys<S> = { [K in keyof S]: S[K] extends { required: true } ? K : never }[keyof S]
/** The value that `object(shape)` reads. */
export type Values<S> = { [K in RequiredKeys<S>]: Read<S[K]> } & {
  [K in Exclude<keyof S, RequiredKeys<S>>]?: Read<S[K]>
}

export function required<T>(param: Param<T>): RequiredParam<T> {
  return { read: (value, path) => param.read(value, path), required: true }
}

/** Text. An empty one is an attempt to unset, which only `emptyable` allows. */
export function string(options: { max?: number } = {}): Param<string> {
  const max = options.max ?? 5000
  return {
    read(value, path) {
      const text = scalar(value, path, 'string')
      if (text.length <= max) return text
      throw invalid(`Invalid string: ${text.slice(0, 10)}…; must be at most ${max} characters`, {
        param: path,
      })
    },
  }
}

export function integer(options: { min?: number; max?: number } = {}): Param<number> {
  return {
    read(value, path) {
      const text = scalar(value, path, 'integer')
      const refuse = (message: string) =>
        invalid(message, { code: 'parameter_invalid_integer', param: path })
      if (!/^-?\d{1,15}$/.test(text)) throw refuse(`Invalid integer: ${text}`)
      const number = Number(text)
      if (options.min !== undefined && number < options.min) {
        throw refuse(`This value must be greater than or equal to ${options.min}.`)
      }
      if (options.max !== undefined && number > options.max) {
        throw refuse(`This value must be less than or equal to ${options.max}.`)
      }
      return number
    },
  }
}

/** Unix seconds. */
export function timestamp(): Param<number> {
  return integer({ min: 0, max: 99_999_999_999 })
}

export function boolean(): Param<boolean> {
  return {
    read(value, path) {
      const text = scalar(value, path, 'boolean')
      if (text === 'true') return true
      if (text === 'false') return false
      throw invalid(`Invalid boolean: ${text}`, { param: path })
    },
  }
}

export function oneOf<const T extends string>(choices: readonly T[]): Param<T> {
  return {
    read(value, path) {
      const text = scalar(value, path, 'string')
      const found = choices.find((choice) => choice === text)
      if (found !== undefined) return found
      // An entry of a list goes by the list's name.
      const name = path.match(/[^[\]]+/g)?.findLast((segment) => !/^\d+$/.test(segment)) ?? path
      throw invalid(`Invalid ${name}: must be ${alternatives(choices)}`, { param: path })
    },
  }
}

/** A parameter that Stripe knows and the simulator does not: said, not swallowed. */
export function notSimulated(): Param<never> {
  return {
    read(_value, path) {
      throw invalid(
        `${path} is a parameter of Stripe that Tollgate's simulator does not simulate: leave it out.`,
        { code: 'parameter_not_simulated', param: path },
      )
    },
  }
}

/** The same for several; they go first into a shape, so that they are named before what is missing. */
export function allNotSimulated<const K extends string>(
  names: readonly K[],
): {
  [N in K]: Param<never>
} {
  const entries = names.map((name) => [name, notSimulated()])
  // Each name has its entry.
  return Object.fromEntries(entries) as { [N in K]: Param<never> }
}

/** The first description that accepts the value; the last one's refusal when none does. */
export function either<A, B>(first: Param<A>, second: Param<B>): Param<A | B> {
  return {
    read(value, path) {
      try {
        return first.read(value, path)
      } catch {
        return second.read(value, path)
      }
    },
  }
}

/** An empty string unsets: it is read as null. */
export function emptyable<T>(param: Param<T>): Param<T | null> {
  return { read: (value, path) => (value === '' ? null : param.read(value, path)) }
}

export function array<T>(item: Param<T>, options: { max?: number } = {}): Param<T[]> {
  return {
    read(value, path) {
      const isList = typeof value === 'object' && Object.keys(value).every((k) => /^\d+$/.test(k))
      if (!isList) throw invalid('Invalid array', { param: path })
      const entries = Object.entries(value)
      if (options.max !== undefined && entries.length > options.max) {
        throw invalid(`Array must have at most ${options.max} elements`, { param: path })
      }
      return entries.map(([index, entry]) => item.read(entry, `${path}[${index}]`))
    },
  }
}

/** A nested object: what it does not name is refused as unknown. */
export function object<S extends Shape>(shape: S): Param<Values<S>> {
  return {
    read(value, path) {
      if (typeof value === 'string') throw invalid('Invalid object', { param: path })
      return readShape(value, shape, (name) => `${path}[${name}]`)
    },
  }
}

/** Free keys; null stands for a key (or, alone, for the whole) to be removed. */
export function metadata(): Param<Record<string, string | null> | null> {
  return {
    read(value, path) {
      if (value === '') return null
      if (typeof value === 'string') throw invalid('Invalid object', { param: path })
      const entries = Object.entries(value)
      if (entries.length > 50) {
        throw invalid('You can have up to 50 metadata keys.', { param: path })
      }
      return Object.fromEntries(entries.map(([key, text]) => [key, metadataValue(key, text, path)]))
    },
  }
}

function metadataValue(key: string, value: FormValue, path: string): string | null {
  const param = `${path}[${key}]`
  if (typeof value !== 'string') {
    throw invalid(`Invalid value for '${param}'. Metadata values must be strings, not objects.`, {
      param,
    })
  }
  if (key.length > 40) {
    throw invalid(`Metadata keys can have up to 40 characters; '${key}' has ${key.length}.`, {
      param,
    })
  }
  if (value.length > 500) {
    throw invalid(
      `Metadata values can have up to 500 characters, but you passed in a value that is ${value.length} characters.`,
      { param },
    )
  }
  return value === '' ? null : value
}

/**
 * Reads a whole request.
 * @throws StripeError 400 `parameter_unknown`, `parameter_missing`, or what a parameter refuses
 */
export function readParams<S extends Shape>(form: FormObject, shape: S): Values<S> {
  return readShape(form, shape, (name) => name)
}

function readShape<S extends Shape>(
  form: FormObject,
  shape: S,
  pathOf: (name: string) => string,
): Values<S> {
  const unknown = Object.keys(form).filter((name) => !Object.hasOwn(shape, name))
  if (unknown[0] !== undefined) {
    const names = unknown.map(pathOf)
    throw invalid(`Received unknown parameter${names.length > 1 ? 's' : ''}: ${names.join(', ')}`, {
      code: 'parameter_unknown',
      param: pathOf(unknown[0]),
    })
  }
  const values: Record<string, unknown> = {}
  for (const [name, param] of Object.entries(shape)) {
    const value = form[name]
    if (value !== undefined) values[name] = param.read(value, pathOf(name))
    else if ('required' in param) {
      throw invalid(`Missing required param: ${pathOf(name)}.`, {
        code: 'parameter_missing',
        param: pathOf(name),
      })
    }
  }
  // Each name was read by the parameter of the same name.
  return values as Values<S>
}

function scalar(value: FormValue, path: string, kind: string): string {
  if (typeof value !== 'string') throw invalid(`Invalid ${kind}: {}`, { param: path })
  if (value === '') {
    throw invalid(
      `You passed an empty string for '${path}'. We assume empty values are an attempt to unset a parameter; however '${path}' cannot be unset. You should remove '${path}' from your request or supply a non-empty value.`,
      { code: 'parameter_invalid_empty', param: path },
    )
  }
  return value
}

function alternatives(choices: readonly string[]): string {
  if (choices.length < 2) return `${choices[0]}`
  return `one of ${choices.slice(0, -1).join(', ')}, or ${choices.at(-1)}`
}
