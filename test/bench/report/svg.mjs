// What the charts share: colours for light and dark pages, text, and numbers as people write them.

/** In the order in which contenders are drawn; the first is the store. */
const COLOURS = ['#2f81f7', '#8957e5', '#2da44e', '#bf8700', '#cf222e', '#6e7781'];

export const colour = (index) => COLOURS[index % COLOURS.length];

/** A picture of its own: an `img` takes the reader's light or dark setting from `prefers-color-scheme`. */
export function picture(width, height, title, parts) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${escape(title)}</title>`,
    '<style>',
    'text{fill:#1f2328}.quiet{fill:#59636e}.line{stroke:#d1d9e0}',
    '@media (prefers-color-scheme:dark){text{fill:#f0f6fc}.quiet{fill:#9198a1}.line{stroke:#3d444d}}',
    '</style>',
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

export function label(x, y, text, { anchor = 'start', quiet = false, bold = false } = {}) {
  const style = `${quiet ? ' class="quiet"' : ''}${bold ? ' font-weight="600"' : ''}`;
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}"${style}>${escape(text)}</text>`;
}

export function line(x1, y1, x2, y2) {
  const [a, b, c, d] = [x1, y1, x2, y2].map(round);
  return `<line class="line" x1="${a}" y1="${b}" x2="${c}" y2="${d}"/>`;
}

export const round = (value) => Math.round(value * 10) / 10;

/** The decades that a list of positive numbers lies in, as exponents of ten. */
export function decades(values) {
  const logs = values.map(Math.log10);
  const low = Math.floor(Math.min(...logs));
  return { low, high: Math.max(Math.ceil(Math.max(...logs)), low + 1) };
}

function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
