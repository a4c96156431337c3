import type { Estimate } from '../estimate.ts'

/** A metric by its name, and the class that it is about where there are several. */
export type Named = readonly [name: string, estimate: Estimate, ofClass?: string]
