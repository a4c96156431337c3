import type { VersionManifest } from '../../contracts/version-manifest.ts'
import { inputLayout } from '../../platform/project/input-layout.ts'

/** An input as requests have it: any number of rows, also where the file takes one at a time. */
export function inputShape({ shape, features }: Pick<VersionManifest['inputs'][number], 'shape' | 'features'>): number[] {
  return [-1, ...(inputLayout(shape, features.length)?.row ?? [features.length])]
}

/** An output as answers have it, by the file's own shape of it. */
export function outputShape(shape: readonly number[], rowByRow: boolean): number[] {
  if (!rowByRow) return [...shape]
  const [first, ...rest] = shape
  return [-1, ...(first === 1 ? rest : shape)]
}
