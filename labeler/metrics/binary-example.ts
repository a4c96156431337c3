import type { Scored } from './sample.ts'

/** 40 rows with tied scores, none on the edge of a calibration bin: the input of the figures in the tests. */
export const binaryExample: Scored = {
  outcomes: Uint8Array.from([
    0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1,
  ]),
  scores: Float64Array.from([
    0.33, 0.55, 0.21, 0.17, 0.55, 0.32, 0.43, 0.54, 0.12, 0.47, 0.55, 0.64, 0.43, 0.32, 0.38, 0.17, 0.57, 0.43, 0.42, 0.32, 0.59, 0.26,
    0.36, 0.61, 0.68, 0.29, 0.43, 0.33, 0.31, 0.42, 0.24, 0.45, 0.46, 0.43, 0.25, 0.47, 0.46, 0.72, 0.46, 0.41,
  ]),
}
