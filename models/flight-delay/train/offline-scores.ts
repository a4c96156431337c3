import type { Project } from '../../../platform/project/project.ts'
import type { Flight } from './flights.ts'
import { openScorer } from './score-onnxruntime.ts'
import { type Span, trainingRows } from './training-rows.ts'

/** A flight, its features by name as the offline executor computes them, and each version's score. */
export type OfflineScore = { flight: Flight; features: Record<string, number>; scores: Record<string, number> }

/** What each version says of every flight of the span, without any of the services: the yardstick for what was served. */
export async function* offlineScores(project: Project, span: Span): AsyncGenerator<OfflineScore[]> {
  const model = project.models.get('flight-delay')!
  const names = [...model.features.keys()]
  const versions = await Promise.all(
    [...model.versions.values()].map(async ({ version, modelFile, manifest }) => {
      const inputs = manifest.inputs.flatMap(({ features }) => features)
      return { version, columns: inputs.map((name) => names.indexOf(name)), score: await openScorer(modelFile, inputs) }
    }),
  )
  for await (const rows of trainingRows(project, names, span)) {
    const columnsOfScores: [string, Float32Array][] = []
    for (const { version, columns, score } of versions)
      columnsOfScores.push([version, await score(rows.map(({ features }) => columns.map((column) => features[column]!)))])
    yield rows.map(({ flight, features }, index) => ({
      flight,
      features: Object.fromEntries(names.map((name, column) => [name, features[column]!])),
      scores: Object.fromEntries(columnsOfScores.map(([version, values]) => [version, values[index]!])),
    }))
  }
}
