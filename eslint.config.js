import importX from 'eslint-plugin-import-x';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import tseslint from 'typescript-eslint';

/** The layers, from the bottom up: a folder may import itself, what stands before it, and errors. */
const layers = [
  'model',
  'db',
  'areas',
  'upkeep',
  'legacy',
  'transfer',
  'store.ts',
  'index.ts',
  'cli',
];
const zones = layers
  .filter((layer) => layer !== 'cli')
  .map((layer, i) => ({
    target: `./src/${layer}`,
    from: './src',
    except: ['errors.ts', ...layers.slice(0, i + 1)].map((name) => `./${name}`),
  }));

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'demo', 'test/support/make-legacy-home.mjs', '**/*.mjs'] },
  ...tseslint.configs.strictTypeChecked,
  {
    files: ['src/**/*.ts', 'test/**/*.ts', '*.ts'],
    languageOptions: {
      parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname },
    },
  },
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
  {
    files: ['src/**/*.ts'],
    plugins: { 'import-x': importX },
    settings: {
      'import-x/resolver-next': [createTypeScriptImportResolver({ project: './tsconfig.json' })],
    },
    rules: {
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': [
        'error',
        {
          zones: [
            ...zones,
            { target: './src/cli', from: './src', except: ['./cli', './index.ts'] },
          ],
        },
      ],
      'max-lines': ['warn', 300],
    },
  },
  {
    // Only the connection wrapper may know the driver.
    files: ['src/**/*.ts'],
    ignores: ['src/db/**'],
    rules: {
      'no-restricted-imports': ['error', { paths: ['libsql', '@libsql/client'] }],
    },
  },
  {
    // A row's type is what the caller selected: that is what the parameter is for.
    files: ['src/db/reader.ts'],
    rules: { '@typescript-eslint/no-unnecessary-type-parameters': 'off' },
  },
  {
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
);
