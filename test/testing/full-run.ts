/** Whether `npm run test:full` runs: it tries more of what `npm test` tries some of. */
export const isFullRun = process.env['HINDSIGHT_TEST_FULL'] === '1'

/** The number of cases, or the cases: those of `npm test`, or all of them. */
export function casesOf<T>({ few, all }: { few: T; all: T }): T {
  return isFullRun ? all : few
}
