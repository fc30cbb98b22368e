// The whole app, and beside its routes the bare route's handler twice: behind the paywall, and behind nothing but
// what every request of the app goes through.
import { createApp } from '../../../src/app.ts'
import { paywall } from '../../../src/paywall/middleware.ts'
import { answer } from './answer.ts'

const app = createApp()
app.get('/api/v1/bench', paywall(), answer)
app.get('/api/v1/bench-open', answer)

export default { fetch: app.fetch }
