/** How rows lie in an input tensor. */
export type InputLayout = {
  /** The dimensions of one row. */
  row: readonly number[]
  /** The whole shape of a run of one row; undefined where a dimension counts rows, so that they need not run one by one. */
  alone: readonly number[] | undefined
}

/**
 * How rows of so many features lie in an input of this shape: behind a free first dimension many at once, behind one of 1,
 * or where the shape is as large as one row, one at a time. Undefined where they do not.
 */
export function inputLayout(shape: readonly number[], features: number): InputLayout | undefined {
  const [first, ...rest] = shape
  if (first === -1) {
    const row = fit(rest, features)
    if (row !== undefined) return { row, alone: undefined }
    return rest.length === 0 ? { row: [features], alone: [features] } : undefined
  }
  if (first === 1) {
    const row = fit(rest, features)
    return row && { row, alone: [1, ...row] }
  }
  const whole = fit(shape, features)
  return whole && { row: whole, alone: whole }
}

/** Whether a run of these inputs takes one row only. */
export function runsRowByRow(inputs: readonly { shape: readonly number[]; features: readonly unknown[] }[]): boolean {
  return inputs.some(({ shape, features }) => inputLayout(shape, features.length)?.alone !== undefined)
}

/** The dimensions with their free one filled; undefined where there are several, or the elements do not fill it. */
function fit(dimensions: readonly number[], elements: number): readonly number[] | undefined {
  if (dimensions.some((size) => size < -1 || size === 0)) return undefined
  const free = dimensions.filter((size) => size === -1).length
  const fixed = dimensions.reduce((product, size) => (size === -1 ? product : product * size), 1)
  if (free === 0) return fixed === elements ? dimensions : undefined
  if (free > 1 || elements % fixed !== 0) return undefined
  return dimensions.map((size) => (size === -1 ? elements / fixed : size))
}
