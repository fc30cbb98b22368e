// The walls between folders, as the design draws them. `npm run check:walls` runs this.
// index -> app -> features -> data -> the shared files at the top of src.

// Any folder of src but data is a feature: a new one has its walls from the first day.
const FEATURE = '(?!data/)[^/]+'

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'A step that calls back up cannot be read top to bottom.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-feature-to-feature',
      severity: 'error',
      comment: 'app.ts alone joins features; what two need moves down into data/ or a top file.',
      from: { path: `^src/(${FEATURE})/` },
      to: { path: `^src/${FEATURE}/`, pathNot: '^src/$1/' },
    },
    {
      name: 'no-data-to-feature',
      severity: 'error',
      from: { path: '^src/data/' },
      to: { path: `^src/(${FEATURE}/|app\\.ts|index\\.ts|deps\\.ts)` },
    },
    {
      name: 'no-top-to-below',
      severity: 'error',
      comment:
        'The shared files at the top know nothing of what stands on them; context.ts has types only.',
      from: { path: '^src/[^/]+\\.ts$', pathNot: '^src/(index|app|deps|context)\\.ts$' },
      to: { path: '^src/[^/]+/' },
    },
    {
      name: 'deps-builds-clients-only',
      severity: 'error',
      from: { path: '^src/deps\\.ts$' },
      to: { path: `^src/${FEATURE}/` },
    },
    {
      name: 'only-app-and-index-join',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(index|app)\\.ts$' },
      to: { path: '^src/(index|app)\\.ts$' },
    },
    {
      name: 'only-app-and-index-build',
      severity: 'error',
      comment: 'Whoever needs a client is handed Deps.',
      from: { path: '^src/', pathNot: '^src/(index|app)\\.ts$' },
      to: { path: '^src/deps\\.ts$' },
    },
    {
      name: 'hono-at-the-skin-only',
      severity: 'error',
      comment: 'Services, deciders and data know no HTTP framework.',
      from: {
        path: '^src/',
        pathNot:
          '^src/((app|context|problem|validate)\\.ts$|http/|pages/|gateway/|.*/(routes|middleware|webhook)\\.tsx?$)',
      },
      to: { path: 'node_modules/hono/' },
    },
    {
      name: 'no-sql-or-redis-in-routes',
      severity: 'error',
      from: { path: '^src/.*/routes\\.tsx?$' },
      to: {
        path: '(node_modules/(drizzle-orm|@neondatabase)/|^src/data/(db|neon-http|redis|schema)\\.ts$)',
      },
    },
    {
      name: 'one-place-builds-clients',
      severity: 'error',
      comment:
        'deps.ts builds the clients; data/db.ts knows its driver, which is not the official one: that is large.',
      from: { path: '^src/', pathNot: '^src/data/db\\.ts$' },
      to: {
        path: '(node_modules/(@neondatabase|drizzle-orm/neon-http)/|^src/data/neon-http\\.ts$)',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'src-is-the-worker',
      severity: 'error',
      comment: 'What is bundled never imports what is not.',
      from: { path: '^src/' },
      to: { path: '^(dev|test)/' },
    },
    {
      name: 'no-dev-dependency-in-src',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-dev-to-test',
      severity: 'error',
      from: { path: '^dev/' },
      to: { path: '^test/' },
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      comment:
        "The bench's peers have packages of their own, which are there once it has installed them.",
      from: { pathNot: '^test/bench/peers/' },
      to: { couldNotResolve: true, pathNot: '^cloudflare:' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    parser: 'swc',
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
}
