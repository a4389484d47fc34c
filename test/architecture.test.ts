import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from 'vitest';

/** Each file of src with the files that it imports at run time. */
function importGraph(): Map<string, string[]> {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  return new Map(
    files.map((file) => {
      const text = readFileSync(join('src', file), 'utf8');
      const imports = [...text.matchAll(/^(?:import|export)(?! type)[^;]*? from '(\.[^']+)';/gms)];
      return [file, imports.map((match) => normalize(join(dirname(file), match[1] ?? '')))];
    }),
  );
}

// ESLint keeps the arrows between the folders; this keeps circles out of each of them.
it('no file imports itself through others', () => {
  const graph = importGraph();
  expect(graph.size).toBeGreaterThan(100);
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    if (path.includes(file)) {
      circles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      return;
    }
    if (done.has(file)) return;
    done.add(file);
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
  };
  for (const file of graph.keys()) visit(file, []);
  expect(circles).toEqual([]);
});
