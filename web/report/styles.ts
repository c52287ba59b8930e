import uPlotCss from 'uplot/dist/uPlot.min.css';
import flameCss from '../flamegraph.css';
import reportCss from './report.css';

/** The page's policy allows no style sheets but those that its own script makes. */
export function adoptStyles(): void {
  document.adoptedStyleSheets = [flameCss, uPlotCss, reportCss].map((css) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    return sheet;
  });
}
