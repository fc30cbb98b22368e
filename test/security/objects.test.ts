// One account’s objects in another one’s hands: at every route with a parameter, and at every route that is read.
import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { apiKeys } from '../../src/data/schema.ts'
import { type Person, type TestApp, testApp } from '../support/app.ts'
import {
  bodyFor,
  citizen,
  ROUTES,
  type Route,
  routesOf,
  rowsOf,
  send,
  told,
} from '../support/attack.ts'
import { subscribe } from '../support/stripe.ts'

const app = testApp()
const victim = await subscribe(app, await citizen(app), 'research')
const attacker = await subscribe(app, await citizen(app), 'research')
const inside = routesOf('account', 'person', 'paid')
const parameterised = inside.filter(({ parameters }) => parameters.length > 0)

const keyIdOf = async ({ id }: Person) => {
  const [row] = await app.deps.db.select().from(apiKeys).where(eq(apiKeys.userId, id))
  return row?.id ?? ''
}
/** What somebody has, by kind, and for each an id of that kind that nobody has. */
const objectsOf = async (person: typeof victim) => ({
  key: [await keyIdOf(person), '0123456789abcdef'],
  account: [person.id, crypto.randomUUID()],
  customer: [person.customer, 'cus_0123456789abcdef'],
  subscription: [person.subscription, 'sub_0123456789abcdef'],
})
// What tells the time of its making is then the same twice.
app.setNow(new Date())
const theirs = await objectsOf(victim)
const secretsOf = async (person: typeof victim): Promise<string[]> => [
  person.email,
  person.key,
  person.key.slice(-20),
  ...Object.values(await objectsOf(person)).map(([id = '']) => id),
]

/** What opens the route for a person: a key does not open what only they themselves may do. */
const ways = (
  route: Route,
  { token, key }: Person,
): [string, { token: string } | { key: string }][] => {
  const isForKeys = routesOf('account', 'paid').includes(route)
  const isForTokens = !routesOf('paid').includes(route)
  return [
    ...(isForTokens ? [['token', { token }] as [string, { token: string }]] : []),
    ...(isForKeys ? [['key', { key }] as [string, { key: string }]] : []),
  ]
}

test('no route outside of an account’s own takes an id', () => {
  expect(ROUTES.filter(({ parameters }) => parameters.length > 0)).toEqual(parameterised)
})

describe.each(parameterised.map((route) => [route.name, route] as const))('%s', (_, route) => {
  const knock = (who: object, id: string) =>
    send(app, route, { ...who, id, body: bodyFor(route, attacker) })

  test.each(Object.entries(theirs))(
    'answers another account’s %s as one that is nobody’s, and leaves it as it is',
    async (_, [id = '', nobodys = '']) => {
      const before = await rowsOf(app, victim.id)
      for (const [way, who] of ways(route, attacker)) {
        const [answer, expected] = [await knock(who, id), await knock(who, nobodys)]
        const inWords = JSON.stringify(told(answer)).replaceAll(id, nobodys)
        expect(inWords, way).toBe(JSON.stringify(told(expected)))
        expect(answer.status, way).toBeGreaterThanOrEqual(400)
        expect(answer.status, way).toBeLessThan(500)
      }
      expect(await rowsOf(app, victim.id)).toBe(before)
    },
  )

  test('opens to its owner: what was refused above was refused for whose it is', async () => {
    const { status, text } = await succeed(app, route)
    expect(status, text).toBeLessThan(300)
  })
})

/** The route, called by somebody on a spare key of their own, the first kind of object that has an id in a path. */
async function succeed(through: TestApp, route: Route) {
  const owner = await citizen(through)
  const spare = Buffer.from(through.deps.randomBytes(8)).toString('hex')
  await through.deps.db
    .insert(apiKeys)
    .values({ id: spare, userId: owner.id, name: 'spare', createdAt: new Date() })
  return send(through, route, { token: owner.token, id: spare, body: bodyFor(route, owner) })
}

const readable = inside.filter(({ method, parameters }) => method === 'GET' && !parameters.length)

test('there is something to read', () => {
  expect(readable.length).toBeGreaterThan(1)
})

describe.each(readable.map((route) => [route.name, route] as const))('%s', (_, route) => {
  test.each(ways(route, attacker))('shows by %s nothing of anybody else', async (_, who) => {
    const answer = await send(app, route, who)
    const shown = answer.text + JSON.stringify([...answer.headers])
    for (const secret of await secretsOf(victim)) expect(shown).not.toContain(secret)
    expect(answer.status).toBe(200)
  })

  test.each([
    'id',
    'user',
    'user_id',
    'userId',
    'account',
    'account_id',
    'email',
    'customer',
    'key_id',
    'sub',
  ])('does not mind %s in the query or in a header', async (name) => {
    // Somebody else each time: an account may ask for some of these a few times a minute.
    const { token } = await citizen(app)
    const [own, asked] = await Promise.all([
      send(app, route, { token }),
      app.call('GET', `${route.path}?${name}=${victim.id}&${name}[]=${victim.id}`, {
        token,
        headers: {
          [`X-${name.replace('_', '-')}`]: victim.id,
          'X-Forwarded-User': victim.id,
          'X-User-Id': victim.id,
          'X-Original-URL': `/api/v1/account/${victim.id}`,
          'X-HTTP-Method-Override': 'DELETE',
        },
      }),
    ])
    expect([own.status, asked.status]).toEqual([200, 200])
    expect(asked.json).toEqual(own.json)
  })
})

test('a stranger’s token and another’s key together are one of the two, never both', async () => {
  for (const route of readable) {
    const { text } = await send(app, route, { token: attacker.token, key: victim.key })
    for (const secret of await secretsOf(victim)) expect(text).not.toContain(secret)
  }
})
