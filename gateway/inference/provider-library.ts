import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Execution providers whose code is a library of its own beside the binding, and takes others with it. */
const libraries = new Map([
  ['cuda', 'libonnxruntime_providers_cuda.so'],
  ['tensorrt', 'libonnxruntime_providers_tensorrt.so'],
])

/**
 * Which file keeps the provider's library from being loaded; undefined where none does. ONNX Runtime rejects with no more than
 * that it was not loaded, and prints the file.
 */
export function findMissingFile(provider: string): string | undefined {
  const library = libraries.get(provider)
  const binding = Object.keys(createRequire(import.meta.url).cache).find((path) => path.endsWith('onnxruntime_binding.node'))
  if (library === undefined || binding === undefined) return undefined
  try {
    process.dlopen({ exports: {} }, join(dirname(binding), library))
  } catch (error) {
    // The library is no module of Node.js: the call fails with another error when the system has loaded it.
    const message = error instanceof Error ? error.message : String(error)
    return message.includes('cannot open shared object file') ? message : undefined
  }
  return undefined
}
