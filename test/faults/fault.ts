import type { HttpClient } from './client/http-client.ts'
import type { Load } from './client/load.ts'
import type { Random } from './random.ts'
import type { SetUp, SystemSpec } from './system/spec.ts'
import type { FaultSystem } from './system/system.ts'

/** The tools that a fault has to do its harm with, while the load goes on. */
export type Injection = {
  system: FaultSystem
  random: Random
  load: Load
  client: HttpClient
  /** Waits this long, or a drawn time between the two. */
  pause(ms: number, atMostMs?: number): Promise<void>
}

/** A row of the table of faults. */
export type Fault = {
  name: string
  /** The text about the fault in the table. */
  does: string
  setUps: readonly SetUp[]
  /** How many rounds a whole run has; the command can say otherwise. */
  rounds: number
  system?: SystemSpec
  /** Why the fault cannot be done on this machine; undefined where it can. */
  whyNot?: () => string | undefined
  /** Whether the gateway and all that it answers from stay up, so that its answers are held to their budget. */
  keepsAnswering?: boolean
  /** Whether the gateway or its clients' connections are ended: of what is under way then, one side cannot know what the other saw. */
  cutsAnswers?: boolean
  /** How long it may take until nothing is pending any more. */
  settleMs?: number
  /** Does the harm and returns; what it ended, stopped or broke is mended afterwards. */
  inject(injection: Injection): Promise<void>
}
