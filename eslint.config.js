import tseslint from 'typescript-eslint';

/** The layers, from the bottom up: a folder may import itself, what stands before it, and errors. */
const layers = [
  'model',
  'db',
  'areas',
  'upkeep',
  'sync',
  'hosting',
  'legacy',
  'transfer',
  'store',
  'index',
  'cli',
];

/** What the files of one layer may not import; only the connection wrapper may know the driver. */
function arrows(layer, forbidden) {
  const above = forbidden.map((name) => `${name}(/|\\.ts$)`).join('|');
  return {
    files: [`src/${layer}.ts`, `src/${layer}/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: layer === 'db' ? [] : ['libsql', '@libsql/client'],
          patterns: [
            {
              regex: `^\\.{1,2}/(\\.\\./)*(${above})`,
              message: `${layer} may not import this layer.`,
            },
          ],
        },
      ],
    },
  };
}

export default tseslint.config(
  {
    ignores: [
      'dist',
      'node_modules',
      'demo',
      'test/support/make-legacy-home.mjs',
      '**/*.mjs',
      'src/**/*.js',
      '**/*.d.mts',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    files: ['src/**/*.ts', 'test/**/*.ts', '*.ts'],
    languageOptions: {
      parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname },
    },
  },
  ...layers.slice(0, -1).map((layer, i) => arrows(layer, layers.slice(i + 1))),
  {
    // The embedded replica of the hub is the driver's own.
    files: ['src/sync/hub/replica-hub.ts'],
    rules: { 'no-restricted-imports': 'off' },
  },
  // The program is a user like any other: it has the public API only.
  arrows('cli', ['errors', ...layers.slice(0, -2)]),
  { files: ['src/**/*.ts'], rules: { 'max-lines': ['warn', 300] } },
  {
    // A row's type is what the caller selected: that is what the parameter is for.
    files: ['src/db/reader.ts'],
    rules: { '@typescript-eslint/no-unnecessary-type-parameters': 'off' },
  },
  {
    files: ['**/*.ts'],
    rules: {
      '@typescript-eslint/no-unused-vars': [
        'error',
        { ignoreRestSiblings: true, varsIgnorePattern: '^_', argsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
    },
  },
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
);
