// The stack's secrets and passwords, kept beside its data.
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface Secrets {
  database: string
  redisToken: string
  stripeSecretKey: string
  stripePublishableKey: string
  webhook: string
  jwt: string
}

/** Made up once per folder: a page in the developer's browser cannot guess them. */
export function loadSecrets(folder: string | undefined): Secrets {
  const file = folder && join(folder, 'secrets.json')
  if (file && existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Secrets
  const random = () => randomBytes(24).toString('hex')
  const secrets: Secrets = {
    database: random(),
    redisToken: random(),
    stripeSecretKey: `sk_test_${random()}`,
    stripePublishableKey: `pk_test_${random()}`,
    webhook: `whsec_${random()}`,
    jwt: random(),
  }
  if (file) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 })
  }
  return secrets
}
