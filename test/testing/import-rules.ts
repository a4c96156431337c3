const shared = ['contracts', 'platform']
/** Parts of features that are pure, and that those who must compute the same values share. */
const pureFeatures = ['features/engine', 'features/derived', 'features/assembly']
const services = ['gateway', 'features', 'logger', 'labeler', 'forwarder', 'embedded-warehouse']
const product = [...shared, ...services, 'models', 'bin']

/** What each folder at the top, and some folders within them, may import of the others; their READMEs say the same. */
export const importRules: Readonly<Record<string, readonly string[]>> = {
  contracts: [],
  platform: ['contracts'],
  gateway: [...shared, ...pureFeatures],
  features: shared,
  logger: shared,
  labeler: [...shared, ...pureFeatures],
  forwarder: shared,
  'embedded-warehouse': shared,
  models: [...shared, 'features', 'labeler'],
  bin: product.filter((folder) => folder !== 'bin'),
  test: product,
  loadtest: [...product, 'test'],
  'features/engine': ['contracts', 'platform/project', 'platform/online-store'],
  'features/derived': ['contracts', 'platform/project', 'platform/time'],
  'features/assembly': ['contracts', 'platform/project', 'platform/text', 'features/engine', 'features/derived'],
  'features/offline': ['contracts', 'platform/project', 'platform/warehouse', 'features/engine'],
  'platform/files': ['contracts', 'platform/json', 'platform/time'],
  'platform/online-store': ['contracts', 'platform/service'],
}

/** Packages that contracts may import, so that a client can take them along. */
export const contractPackages = ['zod', 'canonicalize']

/** A folder's rule as its README says it. */
export function importSentence(folder: string): string {
  const names = folder === 'contracts' ? contractPackages : (importRules[folder] ?? [])
  return `May import ${new Intl.ListFormat('en').format(names.map((name) => `\`${name}\``))}${folder === 'contracts' ? ' alone' : ''}.`
}
