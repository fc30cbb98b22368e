// What zod/mini says of a value that does not fit: English, which it does not bring along by itself.
import { en } from 'zod/locales'
import { config } from 'zod/mini'

config(en())
