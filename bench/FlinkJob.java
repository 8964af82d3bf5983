// FlinkJob CASE DATA OUT: the cases of bench.py in Flink SQL, in one JVM; prints `query SECONDS` (from the INSERT to its end).
// Rows go to JSON files (append: too), committed exactly once at checkpoints: there is no Delta sink for Flink 2.
// SPDX-License-Identifier: Apache-2.0
import java.nio.file.Path;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;

public class FlinkJob {
    static final String COLUMNS = "event_id STRING, event_time TIMESTAMP_LTZ(3), user_id STRING, event_type STRING, "
            + "page_url STRING, `status` INT, `bytes` INT, duration_ms INT, country STRING, device STRING";
    static final String SPAN = "`start` TIMESTAMP(3), `end` TIMESTAMP(3)";

    record Case(String columns, String query) { }

    static String windowed(String columns, String window, String keys) {
        return "SELECT window_start, window_end, " + columns + " FROM TABLE(" + window
                + ") GROUP BY window_start, window_end" + keys;
    }

    static final Map<String, Case> CASES = Map.of(
            "append", new Case(COLUMNS, "SELECT * FROM events"),
            "tumble", new Case(SPAN + ", page_url STRING, n BIGINT", windowed("page_url, COUNT(*)",
                    "TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '1' MINUTE)", ", page_url")),
            "slide", new Case(SPAN + ", users BIGINT", windowed("COUNT(DISTINCT user_id)",
                    "HOP(TABLE events, DESCRIPTOR(event_time), INTERVAL '1' MINUTE, INTERVAL '5' MINUTE)", "")),
            "session", new Case(SPAN + ", user_id STRING, n BIGINT", windowed("user_id, COUNT(*)",
                    "SESSION(TABLE events PARTITION BY user_id, DESCRIPTOR(event_time), INTERVAL '30' SECOND)", ", user_id")),
            "join", new Case("user_id STRING, page_url STRING, viewed TIMESTAMP_LTZ(3), bought TIMESTAMP_LTZ(3)",
                    "SELECT v.user_id, v.page_url, CAST(v.event_time AS TIMESTAMP_LTZ(3)), CAST(b.event_time AS TIMESTAMP_LTZ(3)) "
                    + "FROM events v, events b "
                    + "WHERE v.event_type = 'page_view' AND b.event_type = 'purchase' AND v.user_id = b.user_id "
                    + "AND b.event_time BETWEEN v.event_time AND v.event_time + INTERVAL '2' MINUTE"));

    static Configuration settings(String out) {
        var settings = new Configuration();
        Map.ofEntries(Map.entry("parallelism.default", "2"), Map.entry("table.local-time-zone", "UTC"),
                Map.entry("execution.checkpointing.interval", "10s"), Map.entry("execution.checkpointing.dir", out + ".checkpoints"),
                Map.entry("state.backend.type", System.getProperty("state", "hashmap")),
                Map.entry("pipeline.object-reuse", "true"), Map.entry("table.exec.mini-batch.enabled", "true"),
                Map.entry("table.exec.mini-batch.allow-latency", "1s"), Map.entry("table.exec.mini-batch.size", "50000"),
                Map.entry("taskmanager.memory.network.min", "256m"), Map.entry("taskmanager.memory.network.max", "256m"),
                Map.entry("taskmanager.memory.managed.size", "512m")).forEach(settings::setString);
        return settings;
    }

    static String files(String path) {
        return " WITH ('connector' = 'filesystem', 'path' = '" + path + "', 'format' = 'json', "
                + "'json.timestamp-format.standard' = 'ISO-8601')";
    }

    public static void main(String[] arguments) throws Exception {
        Case chosen = CASES.get(arguments[0]);
        String data = Path.of(arguments[1]).toUri().toString();
        String out = "file://" + Path.of(arguments[2]).toAbsolutePath();
        var tables = TableEnvironment.create(
                EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(settings(out)).build());
        tables.executeSql("CREATE TABLE events (" + COLUMNS
                + ", WATERMARK FOR event_time AS event_time - INTERVAL '2' MINUTE)" + files(data));
        tables.executeSql("CREATE TABLE answer (" + chosen.columns() + ")" + files(out));
        long start = System.nanoTime();
        tables.executeSql("INSERT INTO answer " + chosen.query()).await();
        System.out.printf("query %.2f%n", (System.nanoTime() - start) / 1e9);
        System.exit(0);
    }
}
