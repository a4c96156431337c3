import { createDataDirectory, type HindsightProcess, startHindsight } from './hindsight-process.ts'
import { writePatientProject } from './patient-project.ts'
import { writeEchoModels } from './write-echo-model.ts'

/** The answer to a golden request of version 2 of flight-delay, as its manifest records it. */
export const recorded = 0.8140395879745483

export type EchoSystem = { hindsight: HindsightProcess; dataDir: string; stop(): Promise<void> }

/** A whole system on the example project, with models beside it that answer with what they are sent. */
export async function startEchoSystem(): Promise<EchoSystem> {
  const { dir, remove } = createDataDirectory()
  const projectDir = writePatientProject(dir)
  await writeEchoModels(projectDir)
  const hindsight = await startHindsight({ dataDir: dir, args: ['--project', projectDir] })
  return {
    hindsight,
    dataDir: dir,
    async stop() {
      await hindsight.stop()
      remove()
    },
  }
}
