import { workerData } from 'node:worker_threads'

// Worker threads do not inherit tsx from the process, and `--import tsx` does nothing in them. Node.js that runs TypeScript
// itself does without, and so does the container image, which leaves out the compiler that tsx needs.
if (!process.features.typescript) {
  const { register } = await import('tsx/esm/api')
  register()
}
await import(workerData.entry)
