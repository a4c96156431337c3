import type { Target } from './target.ts'

/** What became of the predictions of a run, and whether it kept the thresholds of its generator where that has some. */
export type Run = { passed?: boolean; counts: { sent: number; answered: number; refused: number } }

/** What a run was told: requests per second, its length, the budget of an answer, the tag of its predictions, and how many a request asks for. */
export type RunOptions = { rate: number; seconds: number; budgetMs: number; tag: string; instances?: number }

/** What a run showed beyond k6's thresholds: a line each, and whether it is as it must be. */
export type Finding = { text: string; holds: boolean }

export type Scenario = {
  title: string
  /** Whether the scenario stops, measures or changes what only a system of its own allows. */
  needsOwn: boolean
  /** Whether k6 sends its requests, or the project's own generator. */
  needsK6: boolean
  defaults: { rate: number; seconds: number }
  /** Runs the scenario, with k6 and all that goes beside it. */
  run(target: Target, options: RunOptions): Promise<{ runs: Run[]; findings: Finding[] }>
}
