// Neon's two conversions: JSON parameters into Postgres's text, Postgres's text into JSON.
// Source: proxy/src/serverless/json.rs of neondatabase/neon.

/** What JSON can carry as a parameter. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/**
 * A parameter as Postgres reads it: strings as they are, arrays as Postgres's array literals,
 * everything else as its JSON text.
 */
export function parameterText(value: Json): string | null {
  if (value === null) return null
  if (typeof value === 'string') return value
  return Array.isArray(value) ? arrayLiteral(value) : JSON.stringify(value)
}

function arrayLiteral(items: Json[]): string {
  return `{${items.map(arrayItem).join(',')}}`
}

function arrayItem(value: Json): string {
  if (value === null) return 'NULL'
  if (Array.isArray(value)) return arrayLiteral(value)
  return JSON.stringify(typeof value === 'object' ? JSON.stringify(value) : value)
}

const BOOL = 16
const INT2 = 21
const INT4 = 23
const JSON_TYPE = 114
const FLOAT4 = 700
const FLOAT8 = 701
const JSONB = 3802

/**
 * A value as JSON text, for an answer in which raw text was not asked for. Text and not a JavaScript
 * value, because a JSON document must pass as it is: parsing it would lose digits and key order.
 * @param typeId the type's object id
 * @param elementTypeId for an array type, the object id of its elements' type
 */
export function jsonText(text: string, typeId: number, elementTypeId: number | undefined): string {
  if (elementTypeId !== undefined) return arrayJson(text, elementTypeId)
  switch (typeId) {
    case BOOL:
      return text === 't' ? 'true' : 'false'
    case INT2:
    case INT4:
    case JSON_TYPE:
    case JSONB:
      return text
    case FLOAT4:
    case FLOAT8:
      // JSON has no NaN and no Infinity: these stay strings.
      return JSON.stringify(Number.isFinite(Number(text)) ? Number(text) : text)
    default:
      return JSON.stringify(text)
  }
}

/** Postgres's array literal as nested JSON lists; bounds (`[2:3]={...}`) are dropped, as Neon does. */
function arrayJson(literal: string, elementTypeId: number): string {
  const text = literal.startsWith('[') ? literal.slice(literal.indexOf('=') + 1) : literal
  let at = 0

  function list(): string {
    const items: string[] = []
    at += 1
    while (at < text.length && text[at] !== '}') {
      if (text[at] === ',') at += 1
      items.push(item())
    }
    at += 1
    return `[${items.join(',')}]`
  }

  function item(): string {
    if (text[at] === '{') return list()
    if (text[at] === '"') return jsonText(quoted(), elementTypeId, undefined)
    const from = at
    while (at < text.length && text[at] !== ',' && text[at] !== '}') at += 1
    const bare = text.slice(from, at)
    return bare === 'NULL' ? 'null' : jsonText(bare, elementTypeId, undefined)
  }

  function quoted(): string {
    let value = ''
    for (at += 1; at < text.length && text[at] !== '"'; at += 1) {
      if (text[at] === '\\') at += 1
      value += text[at]
    }
    at += 1
    return value
  }

  return list()
}
