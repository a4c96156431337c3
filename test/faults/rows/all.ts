import type { Fault } from '../fault.ts'
import { failpoints } from './failpoints.ts'
import { processKills } from './process-kills.ts'

/** Every fault, in the order of the table. */
export const allFaults: readonly Fault[] = [...processKills, ...failpoints]
