import com.segment.analytics.Analytics;
import com.segment.analytics.messages.IdentifyMessage;
import com.segment.analytics.messages.TrackMessage;
import java.util.Date;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Has Segment's SDK for Java say some things: java Say.java ADDRESS WRITE_KEY */
public class Say {
  public static void main(String[] given) throws Exception {
    Analytics analytics = Analytics.builder(given[1]).endpoint(given[0]).flushInterval(1, TimeUnit.SECONDS).retries(1).build();
    Map<String, String> traits =
        Map.of("name", "林佳穎", "email", "a@example.tw", "phone", "+886912345678", "plan", "gold");
    analytics.enqueue(IdentifyMessage.builder().userId("N1").traits(traits));
    analytics.enqueue(
        TrackMessage.builder("Paid").userId("N1").properties(Map.of("total", 680)).timestamp(new Date(1760000000123L)));
    analytics.flush();
    analytics.shutdown();
  }
}
