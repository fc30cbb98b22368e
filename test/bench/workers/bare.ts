// The limit: Hono with one route and nothing before it.
import { Hono } from 'hono'
import { answer } from './answer.ts'

const app = new Hono()
app.get('/api/v1/bench', answer)

export default { fetch: app.fetch }
