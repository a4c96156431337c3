import { availableParallelism } from 'node:os'

/** One per core, at least one beside a slow model's; no more than 8, because each has every session in memory. */
export const defaultThreads = Math.min(8, Math.max(2, availableParallelism()))
