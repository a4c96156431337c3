import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.util.Properties;

/** What DBeaver and Metabase ask of a JDBC driver; a line for each says what came of it. Arguments: port, user, password, "read" or "write". */
public class JdbcClient {
  interface Step {
    Object run() throws Exception;
  }

  public static void main(String[] arguments) throws Exception {
    Properties login = new Properties();
    login.put("user", arguments[1]);
    login.put("password", arguments[2]);
    try (Connection connection = DriverManager.getConnection("jdbc:clickhouse://127.0.0.1:" + arguments[0], login)) {
      readMetadata(connection.getMetaData());
      readRows(connection);
      if (arguments[3].equals("write")) write(connection);
    }
    System.exit(0);
  }

  static void readMetadata(DatabaseMetaData metadata) {
    tell("schemas", () -> count(metadata.getSchemas(null, "gold")));
    tell("allSchemas", () -> count(metadata.getSchemas()) > 0);
    tell("catalogs", () -> count(metadata.getCatalogs()) >= 0);
    tell("tableTypes", () -> count(metadata.getTableTypes()) > 0);
    tell("tables", () -> count(metadata.getTables(null, "gold", "%", null)));
    tell("columns", () -> count(metadata.getColumns(null, "gold", "t", "%")));
    tell("typeInfo", () -> count(metadata.getTypeInfo()) > 30);
    tell("primaryKeys", () -> count(metadata.getPrimaryKeys(null, "gold", "t")));
    tell("importedKeys", () -> count(metadata.getImportedKeys(null, "gold", "t")));
    tell("indexInfo", () -> count(metadata.getIndexInfo(null, "gold", "t", false, false)));
    tell("functions", () -> count(metadata.getFunctions(null, null, "%")) > 1000);
    tell("procedures", () -> count(metadata.getProcedures(null, null, "%")));
  }

  static void readRows(Connection connection) throws SQLException {
    tell("valid", () -> connection.isValid(5));
    tell("rows", () -> count(connection.createStatement().executeQuery("SELECT id, s FROM gold.t WHERE id < 1000")));
    tell("many", () -> count(connection.createStatement().executeQuery("SELECT number, toString(number) FROM numbers(300000)")));
    tell("maxRows", () -> {
      Statement statement = connection.createStatement();
      statement.setMaxRows(10);
      statement.setQueryTimeout(120);
      return count(statement.executeQuery("SELECT * FROM gold.t ORDER BY id"));
    });
    tell("prepared", () -> {
      PreparedStatement statement = connection.prepareStatement("SELECT s FROM gold.t WHERE id = ? AND s = ? AND now() < ?");
      statement.setLong(1, 7);
      statement.setString(2, "7");
      statement.setTimestamp(3, new Timestamp(4_000_000_000_000L));
      return statement.getMetaData().getColumnCount() * count(statement.executeQuery());
    });
    tell("metabase", () -> {
      String sql = "-- Metabase\nSELECT count(*) AS `count` FROM `gold`.`t` WHERE (`gold`.`t`.`id` < 1000)";
      PreparedStatement statement = connection.prepareStatement(sql);
      statement.setMaxRows(2000);
      ResultSet result = statement.executeQuery();
      result.next();
      return result.getLong(1);
    });
    tell("explain", () -> count(connection.createStatement().executeQuery("EXPLAIN SELECT count() FROM gold.t")) > 0);
    tell("show", () -> count(connection.createStatement().executeQuery("SHOW TABLES FROM gold")));
    tell("set", () -> connection.createStatement().execute("SET join_use_nulls = 1"));
    tell("error", () -> {
      try {
        return connection.createStatement().executeQuery("SELECT nope FROM gold.t");
      } catch (SQLException error) {
        return error.getErrorCode();
      }
    });
  }

  static void write(Connection connection) {
    tell("insert", () -> {
      PreparedStatement statement = connection.prepareStatement("INSERT INTO gold.t (id, s) VALUES (?, ?)");
      for (int row = 0; row < 100; row++) {
        statement.setLong(1, 90000 + row);
        statement.setString(2, "it's \\ " + row);
        statement.addBatch();
      }
      statement.executeBatch();
      return count(connection.createStatement().executeQuery("SELECT DISTINCT s FROM gold.t WHERE id >= 90000 AND startsWith(s, 'it''s \\\\ ')"));
    });
  }

  static int count(ResultSet result) throws SQLException {
    int rows = 0;
    int columns = result.getMetaData().getColumnCount();
    for (; result.next(); rows++) for (int column = 1; column <= columns; column++) result.getObject(column);
    return rows;
  }

  static void tell(String name, Step step) {
    String outcome;
    try {
      outcome = String.valueOf(step.run());
    } catch (Exception error) {
      outcome = error.toString().replace('\n', ' ');
    }
    System.out.println(name + "\t" + outcome);
  }
}
