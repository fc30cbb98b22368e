// The list in src is the package's, in a form that gives it back.
import { expect, test } from 'vitest'
import { mostUsed } from '../../dev/common-passwords.ts'
import { isCommonPassword } from '../../src/common-passwords.ts'

test('each of the 3,000 most used passwords that are long enough is known', () => {
  const passwords = mostUsed()
  expect(new Set(passwords).size).toBe(3000)
  expect(passwords.slice(0, 3)).toEqual(['password', '12345678', '123456789'])
  expect(passwords.filter((one) => !isCommonPassword(one, 'somebody@example.com'))).toEqual([])
})

test('what is like one of them is not', () => {
  for (const one of ['correct horse battery', 'passwor', 'password of mine', '8hR3tY6uI1o']) {
    expect(isCommonPassword(one, 'somebody@example.com'), one).toBe(false)
  }
})
