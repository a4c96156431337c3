import module from 'node:module'
import { fileURLToPath } from 'node:url'

// Where Node.js can (22.1 does), what it has compiled is read by every process that starts later. Beside the compiler: a new one
// begins with an empty folder. One that cannot be written costs each start its time, nothing else.
module.enableCompileCache?.(fileURLToPath(new URL('compiled/', import.meta.resolve('@swc/wasm-typescript'))))

// Lets this thread import TypeScript where Node.js does not do so itself (22.18 does). For each thread anew: workers do not inherit it.
if (!process.features.typescript) module.register('./erase-types.js', import.meta.url)
