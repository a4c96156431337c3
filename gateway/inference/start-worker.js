import { workerData } from 'node:worker_threads'
import '#typescript'

await import(workerData.entry)
