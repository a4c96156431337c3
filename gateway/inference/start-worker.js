import { workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

// Worker threads do not inherit tsx from the process, and `--import tsx` does nothing in them.
register()
await import(workerData.entry)
