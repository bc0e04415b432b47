package fitmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.junit.jupiter.api.Test;

class LineFormatterTest {
  private static LogRecord event(String message) {
    LogRecord event = new LogRecord(Level.WARNING, message);
    event.setLoggerName("fitmap.Test");
    return event;
  }

  @Test
  void anEventIsALine() {
    LogRecord event = event("one\n  two {0}");
    event.setParameters(new Object[] {"three"});
    assertEquals("WARNING fitmap.Test: one | two three\n", new LineFormatter().format(event));
  }

  @Test
  void soIsAStackTrace() {
    LogRecord event = event("broken");
    event.setThrown(new IllegalStateException("outer", new IllegalStateException("inner")));
    String line = new LineFormatter().format(event);
    assertTrue(
        line.startsWith(
            "WARNING fitmap.Test: broken | java.lang.IllegalStateException: outer | at fitmap."),
        line);
    assertTrue(line.contains(" | Caused by: java.lang.IllegalStateException: inner | "), line);
    assertEquals(line.length() - 1, line.indexOf('\n'));
  }
}
