"""The made-up brand: 霧谷茶事, a tea house with five branches, a web shop and an account on every channel.

Nothing here is real: hosts are of ``example.com``, and accounts are words that no channel hands out.
"""

from typing import Final, NamedTuple

NAME: Final = "霧谷茶事"
SITE: Final = "https://shop.example.com"

# The brand's side of each channel. LINE's is the account that the demo's source is made for.
LINE_ACCOUNT: Final = "wugu-tea"
ACCOUNTS: Final = {
    "line": LINE_ACCOUNT,
    "facebook": "102030405060708",
    "instagram": "17841400000000001",
    "whatsapp": "886900000001",
    "web": "wugu-shop",
    "crm": "wugu-pos",
}
LINE_DESTINATION: Final = "U" + "c0ffee7ea" * 3 + "c0ffe"
LINE_PROVIDER: Final = "1650000001"
WHATSAPP_PORTFOLIO: Final = "880000000000001"
WHATSAPP_BUSINESS: Final = "770000000000001"
WHATSAPP_NUMBER: Final = "886900300001"


class Branch(NamedTuple):
    """A shop, with the people who work there (member number and name)."""

    code: str
    name: str
    staff: tuple[tuple[str, str], ...]


class Product(NamedTuple):
    """Something on the shelf, with its price in dollars (TWD)."""

    sku: str
    name: str
    price: int

    @property
    def url(self) -> str:
        """Its page in the web shop."""
        return f"{SITE}/products/{self.sku}"

    @property
    def facts(self) -> dict[str, str | int]:
        """What the web shop tells of it."""
        return self._asdict()


class Campaign(NamedTuple):
    """A message to many, sent every year on the same day."""

    name: str
    month: int
    day: int
    text: str
    purpose_tag: str


BRANCHES: Final = (
    Branch("TPE01", "台北永康店", (("S101", "林語彤"), ("S102", "張哲維"), ("S103", "許家瑜"))),
    Branch("HSC01", "新竹東門店", (("S201", "彭子晴"), ("S202", "范佳穎"))),
    Branch("TXG01", "台中審計店", (("S301", "陳柏宇"), ("S302", "賴思妤"), ("S303", "廖冠廷"))),
    Branch("TNN01", "台南神農店", (("S401", "黃品蓉"), ("S402", "郭俊傑"))),
    Branch("KHH01", "高雄駁二店", (("S501", "蔡宜庭"), ("S502", "吳承翰"))),
)

PRODUCTS: Final = (
    Product("alishan-oolong", "阿里山高山烏龍 150g", 680),
    Product("dongding", "凍頂烏龍 150g", 560),
    Product("oriental-beauty", "東方美人 75g", 1280),
    Product("ruby-18", "日月潭紅玉紅茶 100g", 620),
    Product("four-seasons", "四季春冷泡茶包 30 入", 420),
    Product("osmanthus", "桂花包種 100g", 480),
    Product("pineapple-cake", "土鳳梨酥禮盒 12 入", 540),
    Product("tea-nougat", "烏龍牛軋糖 300g", 320),
    Product("mooncake", "茶香月餅禮盒 8 入", 880),
    Product("gaiwan", "手拉坯蓋碗", 1680),
    Product("travel-set", "旅行茶具組", 1280),
    Product("cold-brew-bottle", "冷泡壺 750ml", 690),
)

CAMPAIGNS: Final = (
    Campaign("年節禮盒早鳥", 1, 8, "年節禮盒早鳥開跑！滿 1,500 享 88 折，送禮自用都體面 🧧", "年節"),
    Campaign("情人節雙人茶席", 2, 9, "情人節限定｜東方美人雙人茶席，帶一盒桂花香回家 🌹", "情人節"),
    Campaign("春茶上市", 4, 12, "今年的春茶到了！阿里山高山烏龍首批 300 罐，會員搶先喝 🍃", "春茶"),
    Campaign("母親節禮盒", 5, 3, "給媽媽的一杯好茶，母親節禮盒免費代寫卡片 💐", "母親節"),
    Campaign("端午茶粽", 5, 28, "喝茶解膩剛剛好，端午茶粽組合限量預購中", "端午"),
    Campaign("夏日冷泡節", 6, 20, "夏日冷泡節：冷泡壺 + 四季春茶包，省 200 元 🧊", "冷泡"),
    Campaign("父親節茶具", 8, 1, "爸爸的茶席該升級了，蓋碗、茶盤第二件 85 折", "父親節"),
    Campaign("中秋茶香月餅", 8, 28, "茶香月餅禮盒開放預購，滿十盒免運，企業訂購請洽客服 🌕", "中秋"),
    Campaign("會員日", 9, 18, "會員日點數三倍送！出示會員條碼即可累點", "會員日"),
    Campaign("週年慶", 10, 15, "霧谷茶事生日快樂！週年慶全館 9 折，滿千送隨行杯", "週年慶"),
    Campaign("雙11", 11, 11, "雙11 只有今天：全館 79 折起，前 111 名加贈牛軋糖 🎉", "雙11"),
    Campaign("雙12 加碼", 12, 12, "雙12 加碼：沒搶到雙11 的茶友，最後一波 85 折", "雙12"),
    Campaign("聖誕交換禮物", 12, 18, "聖誕交換禮物不踩雷，500 元茶禮任選 🎄", "聖誕"),
)

QUESTIONS: Final = (
    "請問{product}還有現貨嗎？",
    "想問一下{branch}今天營業到幾點",
    "{product}可以宅配到離島嗎",
    "我的訂單什麼時候會出貨呢？",
    "送長輩的話會推薦哪一款？",
    "請問可以開公司統編嗎",
    "點數要怎麼折抵？",
    "{product}的咖啡因高嗎，晚上喝會不會睡不著",
    "收到的禮盒有點壓到了😢 可以換嗎？",
    "想預約{branch}週末的品茶課，兩位",
    "冷泡要泡多久比較好？",
    "在嗎",
)
CAMPAIGN_QUESTION: Final = "請問{campaign.name}的優惠可以跟會員折扣一起用嗎？"
INSTAGRAM_HELLOS: Final = ("價格？", "哪裡買", "+1", "好美")
WHATSAPP_HELLO: Final = "Hi，請問可以寄到香港嗎？"
NEW_NUMBER: Final = "我換號碼了，之後用這支喔"
THANKS: Final = ("好的謝謝🙏", "了解，謝謝你", "太好了！那我下單", "ok 感謝", "收到～", "謝謝，週末過去看看")
ANSWERS: Final = (
    "您好，我是{agent}，{product}目前有現貨，今天下單明天出貨 😊",
    "您好～{branch}營業到晚上九點，歡迎來坐坐",
    "已為您查詢，包裹預計兩天內送達，謝謝您的耐心等候",
    "送長輩推薦{product}，香氣溫潤不傷胃",
    "可以的，結帳時填上統編即可",
    "很抱歉造成困擾，已為您安排換貨，物流會再與您聯絡",
    "已為您保留座位，當天請提早十分鐘報到",
)
WELCOME: Final = "歡迎加入霧谷茶事 🍵 輸入「會員」綁定會員，首購折 100 元"
BOT_REPLY: Final = "這裡是茶小霧 🤖 請點選單：熱銷商品｜門市資訊｜訂單查詢｜真人客服"
CART_REMINDER: Final = "您的購物車裡還有「{product}」，24 小時內結帳免運費 🛒"
BOT_ACTIONS: Final = (
    "action=menu&item=hot",
    "action=menu&item=stores",
    "action=orders",
    "action=coupon&id=FIRST100",
    "action=quiz&step=1",
    "action=quiz&step=2",
    "action=agent",
    "action=product&sku=alishan-oolong",
    "action=product&sku=pineapple-cake",
)
TAGS: Final = ("VIP", "愛喝烏龍", "紅茶派", "送禮需求", "企業客戶", "品茶課", "客訴處理", "冷泡", "茶具控", "價格敏感")
PAGES: Final = ("/", "/collections/oolong", "/collections/gifts", "/about", "/stores", "/blog/how-to-brew", "/sale")
LEVELS: Final = ("一般會員", "一般會員", "一般會員", "銀葉會員", "金葉會員", "茶師會員")
# Nobody's: what a form sends that was left alone, and what is typed to get past one.
JUNK_VALUES: Final = {
    "email": ("test@test.com", "none"),
    "member_id": ("null", "undefined", "0000"),
    "phone": ("0000000000", "-"),
    "x_line_id": ("N/A",),
}
CARD, NEW_CARD = "WG", "WN"  # what the numbers on members' cards begin with, and those of cards that replace others
SHOP_PHONE: Final = "+886900200001"  # on the shop's own sign
