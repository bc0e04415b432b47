package fitmap;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.logging.Formatter;
import java.util.logging.LogRecord;

/**
 * A log record as one line, its stack trace folded into it. Public, because java.util.logging makes
 * it by its name.
 */
public final class LineFormatter extends Formatter {
  @Override
  public String format(LogRecord record) {
    StringWriter text = new StringWriter();
    text.append(record.getLevel().getName()).append(' ').append(record.getLoggerName());
    text.append(": ").append(formatMessage(record));
    if (record.getThrown() != null) {
      text.append('\n');
      record.getThrown().printStackTrace(new PrintWriter(text));
    }
    return text.toString().strip().replaceAll("\\R\\s*", " | ") + '\n';
  }
}
