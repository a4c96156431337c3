import module from 'node:module'
import { fileURLToPath } from 'node:url'

// Where Node.js can (22.1 does), every process that starts later reads what this one has compiled, from a folder beside the compiler, so
// that a new compiler begins with an empty one. A folder that cannot be written only costs each start its time.
module.enableCompileCache?.(fileURLToPath(new URL('compiled/', import.meta.resolve('@swc/wasm-typescript'))))

// Lets this thread import TypeScript where Node.js does not do so itself (22.18 does). Each thread registers anew, for workers do not
// inherit it.
if (!process.features.typescript) module.register('./erase-types.js', import.meta.url)
