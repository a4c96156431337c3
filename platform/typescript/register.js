import { register } from 'node:module'

// Lets this thread import TypeScript where Node.js does not do so itself (22.18 does). For each thread anew: workers do not inherit it.
if (!process.features.typescript) register('./erase-types.js', import.meta.url)
